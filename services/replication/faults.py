"""What can go wrong between the store and Supabase, as far as it matters for what to do next."""

from __future__ import annotations


class RemoteFault(Exception):
    """A request that had no effect, or whose effect is unknown; the rows stay waiting."""


class Transient(RemoteFault):
    """It may work by itself later: the network, an overload, a gateway's error page."""

    def __init__(self, cause: str, retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after
        """Seconds that the server asked to wait; None where it asked for nothing."""


class TooSlow(Transient):
    """The statement or the request took too long: a smaller batch may pass."""


class Paused(RemoteFault):
    """Somebody has to act: a grant, a migration, a key or the plan. The message names it."""


class NotSupabase(Paused):
    """What answers is not PostgREST, or says nothing that only PostgREST says."""


class Refused(RemoteFault):
    """The answer accuses a row of the batch, not the batch's way here."""


def fault_of(status: int | None, code: str | None, message: str, table: str, retry_after: float | None) -> RemoteFault:
    """The fault for an answer of PostgREST's, by HTTP status and SQLSTATE or PGRST code.

    Sources: docs.postgrest.org "Errors" (the HTTP status of each SQLSTATE) and PostgreSQL's appendix A.
    """
    code = code or ""
    said = f"{table}: {message} ({code or status})"
    if code == "57014":
        return TooSlow(said, retry_after)
    if status == 413 or code == "21000" or (len(code) == 5 and code[:2] in {"22", "23"}):
        return Refused(said)
    if status is not None and (status < 400 or (status == 404 and not code)):
        return not_supabase(table, status)
    if status == 540:
        return Paused(f"the Supabase project is paused: restore it in its dashboard ({said})")
    if code == "25006" or status == 402:
        return Paused(f"Supabase takes no writes now: the plan is full or the project is restricted ({said})")
    if code in {"PGRST202", "PGRST204", "PGRST205", "42P01", "42703", "42883", "42P10"}:
        return Paused(f"{said}; a migration is missing: apply the files of migrations/ in order")
    if code == "42501":
        return Paused(f"the key may not write {said}; use the service role key and apply migrations/ for its grants")
    if status in {401, 403} or code in {"PGRST301", "PGRST302", "PGRST303"}:
        return Paused(f"Supabase refuses the key ({said})")
    if status is None or status in {408, 425, 429} or status >= 500:
        return Transient(said, retry_after)
    return Paused(said)


def not_supabase(table: str, status: int) -> NotSupabase:
    """For an answer that PostgREST does not give: a redirect, somebody's web page, no such route."""
    return NotSupabase(
        f"SUPABASE_URL does not lead to a Supabase project: {table} was answered with {status} and no rows; "
        "it has to be the project's URL alone, such as https://your-project.supabase.co"
    )
