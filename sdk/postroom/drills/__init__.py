"""The drills: each provokes one of the seven failures with real processes, and says whether nothing came of it.

`postroom drill NAME` runs one; exit status 0 when its verdict is good. A drill starts what it needs on this machine (a
broker of its own, workers, a Postroom unless POSTROOM_URL names one) and ends all of it.
"""
