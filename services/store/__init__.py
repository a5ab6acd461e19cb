"""The local store: SQLite, one writer thread, everything that must not be lost goes through it first."""

from services.store.store import Store
from services.store.tables import TABLES, Table

__all__ = ["TABLES", "Store", "Table"]
