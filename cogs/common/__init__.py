"""What every cog stands on: answers, errors, translation and registration of commands."""
