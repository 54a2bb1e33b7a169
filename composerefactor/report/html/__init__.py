"""The report of ``analyze`` as HTML, and the topology as a diagram.

====== =========================================================================
page   the HTML page; its template, style sheet and script are ``report.*``
graph  the topology of a start command as a graph; also as a Mermaid flowchart
svg    the diagram as SVG: positions, curves between the services, drawing
====== =========================================================================
"""
