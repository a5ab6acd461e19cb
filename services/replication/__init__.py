"""Carries what changed in the local store to Supabase: in bulk, idempotently, for as long as it takes."""

from services.replication.replicator import Replicator

__all__ = ["Replicator"]
