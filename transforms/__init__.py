"""The transforms: one file per transform, registered by being in this folder.

Files whose name begins with an underscore are shared by several transforms, or part of a long one:

===============  ===========================================================================
_attribute       where an attribute is added, so that each service gets it once; shared anchors
_development     which parts of a service only development needs, with the evidence for each
_random_secrets  which secrets a project chooses itself, and random values for them
_secrets         which literals are the same credential, its variable, its secret file
_start           the definition of a missing service, from the image catalog
===============  ===========================================================================
"""
