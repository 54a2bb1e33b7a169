"""The report of ``analyze``: its sections, and its formats.

============= =======================================================================
model         a report as sections of tables and lists, the same for every format
summary       the list of sections; overview, rating, findings, limitations
services      sections on services, networks, volumes, ports, resources, builds
operation     sections on operating the project: commands, variables, start-up, recovery
scaling       sections on scaling, and on what Docker Compose itself cannot do
observability the section on logs, metrics, traces, alerts and dashboards
screen        the first screen of ``analyze``: what to do first
text          the report for a terminal
markdown      the report as Markdown
json          the report as JSON, and its schema
fleet         the overview of many projects, of ``--recursive``
============= =======================================================================
"""
