"""Django's admin, opened by Postroom's own permissions."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig


class PostroomAdminSite(AdminSite):
    site_header = site_title = "Postroom"
    index_title = "Administration"


class PostroomAdminConfig(AdminConfig):
    default_site = "core.access.admin_site.PostroomAdminSite"
