"""Services that several root files define: the repeated part is written once.

=========== =============================================================================
definitions one definition of a service, and the result of sharing several of them
share       splits the definitions of one service into a shared part and remainders
variants    which files share which service, only where that saves text; what differs
places      which element of which file goes to which new file, and the text of those
layout      all planned files of a group: root files, modules and environment files
=========== =============================================================================
"""
