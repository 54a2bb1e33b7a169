"""The settings of a project: ``.composerefactor.yml``, its schema and what it says."""
