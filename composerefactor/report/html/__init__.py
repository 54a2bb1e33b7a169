"""The report of ``analyze`` as HTML, and the topology as a diagram.

========== =======================================================================
page       the HTML page; its template, style sheet and script are ``report.*``
graph      the topology of a start command as a graph, by category, for Mermaid
layout     the places of the services in a diagram
routing    the lines between them, around the services
svg        the diagram as SVG
========== =======================================================================
"""
