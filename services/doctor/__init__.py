"""`python bot.py doctor`: looks at everything that the bot needs, and says in words what is wrong and what cures it."""

from services.doctor.examination import examine

__all__ = ["examine"]
