"""Straight to the recipients' mail hosts, `--via mx`.

route.py is the route and run.py one run of it: sorting.py finds which recipients go the same course
(course.py) to the hosts of their domains (target.py, usable.py); couriers (courier.py, crew.py) take the
parcels (parcel.py) of each lane (lane.py) in threads of their own, and tell and ask the calling thread by
post.py. greeting.py is our name, failures.py why no host took a connection. What protects the way: demand.py
is what a host must offer; policy.py decides it by DANE (dane.py), by MTA-STS (discovery.py with sts.py,
cache.py, page.py), or not at all (opportunistic.py).
"""
