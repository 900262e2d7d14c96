# SPDX-License-Identifier: Apache-2.0
"""The suites of run.py, in their order."""

from suite_admin import admin
from suite_clients import clients, sdk
from suite_cluster import cluster
from suite_compression import compression
from suite_crossed import crossed
from suite_mixed import mixed
from suite_mqadmin import mqadmin
from suite_replication import replication
from suite_switch import switch
from suite_tls import tls

SUITES = {
    'clients': clients,
    'compression': compression,
    'admin': admin,
    'mqadmin': mqadmin,
    'mixed': mixed,
    'tls': tls,
    'sdk': sdk,
    'crossed': crossed,
    'replication': replication,
    'cluster': cluster,
    'switch': switch,
}
