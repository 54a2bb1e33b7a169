"""The programs other than Docker Compose that read Compose files: one file for each.

Modules that begin with ``_`` help several of them.
"""
