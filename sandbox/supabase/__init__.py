"""Supabase on loopback: the real PostgreSQL and PostgREST behind a gateway of ours that injects faults."""

from sandbox.supabase.gateway import Request
from sandbox.supabase.parts import INSTALL, RealPartMissing, missing_real_parts, pg_cron_library
from sandbox.supabase.postgresql import PostgreSQL, SQLError
from sandbox.supabase.supabase import MIGRATIONS, Supabase

__all__ = [
    "INSTALL",
    "MIGRATIONS",
    "PostgreSQL",
    "RealPartMissing",
    "Request",
    "SQLError",
    "Supabase",
    "missing_real_parts",
    "pg_cron_library",
]
