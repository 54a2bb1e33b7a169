"""Results for people and programs: text, Markdown, JSON, SARIF, JUnit, HTML, SVG.

Nothing is decided here. One file per kind of result:

============ ====================================================================
text         lines, tables, plurals and colours for a terminal; paths for the user's place
markdown     Markdown helpers; a proposal as a comment on a pull request
plan_text    a proposal (``split``, ``fix``, ``join``) for a terminal; its files as trees
fix_groups   planned fixes by purpose and transform, equal ones as one
plan_json    a proposal as JSON, without a schema
differences  differences between environments, as sentences and JSON
patch        a proposal as a patch for ``git apply``
verify       the result of ``verify`` and ``verify --live``, as text and JSON
explanation  the result of ``explain``, as text and JSON
diff         the result of ``diff``, as text, Markdown, JSON and findings
findings     findings as SARIF, JUnit and GitHub annotations
smoke_test   the script of ``analyze --smoke-test`` and its checks
analysis     the report of ``analyze``: sections, text, Markdown, JSON and its schema (a package)
html         the report of ``analyze`` as HTML, the topology as SVG (a package)
============ ====================================================================
"""
