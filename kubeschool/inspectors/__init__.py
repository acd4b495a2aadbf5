"""Views of live objects beside a cell, one file a view: `cluster.tree("deploy/web")`, `cluster.map()`, `cluster.logs("deploy/web")` …

What a view shows is a function of feeds (feed.py: one watch a resource and namespace, shared) and of its controls (controls.py); view.py
draws it as a live widget, as text and as HTML. subject.py says which objects are meant.
"""
