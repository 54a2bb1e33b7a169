"""The analysis of a project: facts, findings, ratings, and the impact of a change.

============ ========================================================================
analysis     facts, findings and ratings of one project; which findings ``fix`` solves
rejections   the start commands that Docker Compose rejects
rule         the contract of a rule
findings     what rules have found, and files of known findings
explanation  where each line of a service comes from, and what uses the service
fleet        many projects below one directory, analysed in parallel
facts        what the files say about services, networks, volumes, variables ...
rules        the rules, one function per rule, one file per subject
diff         what a change to Compose files means for running containers
============ ========================================================================
"""
