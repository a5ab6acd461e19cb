FROM python:3.12-slim AS build

WORKDIR /app
COPY requirements.txt .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps \
    --requirement requirements.txt

FROM python:3.12-slim

# /data belongs to the bot's user: a named volume takes owner and mode from it when it is first made.
RUN groupadd --gid 10001 bot \
    && useradd --uid 10001 --gid bot --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bot \
    && install --directory --owner=bot --group=bot --mode=0700 /data
COPY --from=build /opt/venv /opt/venv

WORKDIR /app
COPY migrations migrations
COPY services services
COPY cogs cogs
COPY bot.py .
# Compiled here: the root file system may be read-only when the bot runs.
RUN /opt/venv/bin/python -m compileall -q bot.py cogs services

ENV PATH="/opt/venv/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8080

USER 10001:10001
VOLUME /data
EXPOSE 8080

HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as http; http.urlopen(f'http://127.0.0.1:{os.environ[\"HTTP_PORT\"]}/livez', timeout=4)"]

# Exec form: Python is process 1 and gets SIGTERM itself. `docker run IMAGE doctor` checks the settings.
ENTRYPOINT ["python", "bot.py"]
