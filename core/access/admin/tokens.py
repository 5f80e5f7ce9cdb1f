"""Tokens: made, shown once, and revoked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from core import env
from core.access.admin.grants import SCOPE, ScopeForm
from core.access.admin_kit import RoomAdmin
from core.access.admin_site import mark
from core.access.api import Permission, PermissionRefusedError
from core.access.models import Token
from core.access.services import AccessError, create_token, of_request, revoke_token


class TokenForm(ScopeForm):
    """What a new token stands for. It can do at most what its account may, and only within its scope."""

    expires_in = forms.CharField(
        required=False,
        initial="90d",
        help_text="12h, 90d; empty: never. A token that expires is one less to lose.",
    )

    class Meta:
        model = Token
        fields = ("service_account", *SCOPE)

    def clean_service_account(self) -> Any:
        account = self.cleaned_data["service_account"]
        if account is None:
            raise forms.ValidationError("Choose the service account that the token stands for.")
        return account

    def clean_expires_in(self) -> Any:
        raw = self.cleaned_data["expires_in"]
        try:
            return env.duration(raw) if raw else None
        except ValueError as problem:
            raise forms.ValidationError(f"{str(problem).capitalize()}.") from None

    def _post_clean(self) -> None:
        """The service makes the row."""


@admin.register(Token)
class TokenAdmin(RoomAdmin):
    """Which tokens there are, whose, and when each was last used."""

    opens = Permission.MANAGE_ACCESS
    audited_as = "prefix"
    form = TokenForm
    list_display = ("name", "prefix", "holder", "scope", "state", "last_used_at", "expires_at", "revoke_link")
    list_filter = ("environment", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "service_account")
    search_fields = ("name", "prefix")
    autocomplete_fields = ("service_account",)
    fields = ("service_account", *SCOPE, "expires_in")
    change_form_template = "admin/access/token.html"

    def get_fields(self, request: HttpRequest, obj: Token | None = None) -> Any:
        if obj is None:
            return self.fields
        return (
            "name",
            "prefix",
            "holder",
            "scope",
            "state",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        )

    def has_change_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        own = [path("<path:id>/revoke/", self.admin_site.admin_view(self.revoke), name="access_token_revoke")]
        mark(own, self.opens)
        return own + super().get_urls()

    @admin.display(description="")
    def revoke_link(self, token: Token) -> SafeString | str:
        if token.state != "live":
            return ""
        return format_html('<a href="{}">revoke…</a>', reverse("admin:access_token_change", args=[token.pk]))

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        cleaned = form.cleaned_data
        new = create_token(
            cleaned["service_account"], form.scope(), of_request(request), expires_in=cleaned["expires_in"]
        )
        obj.pk, obj.shown_once = new.row.pk, new  # type: ignore[attr-defined]
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Token, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The only page that ever shows the secret. It is part of this answer, and kept nowhere else."""
        new = obj.shown_once  # type: ignore[attr-defined]
        context = self.admin_site.each_context(request) | {"title": "Copy it now", "token": new}
        response = TemplateResponse(request, "admin/access/token_made.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def revoke(self, request: HttpRequest, id: str) -> HttpResponse:
        return _revoke(request, id)


@require_POST
def _revoke(request: HttpRequest, id: str) -> HttpResponse:
    token = get_object_or_404(Token, pk=id)
    try:
        revoke_token(token, of_request(request))
        messages.success(request, f"Revoked {token}. It is refused everywhere within a second.")
    except (AccessError, PermissionRefusedError) as problem:
        messages.error(request, str(problem))
    return HttpResponseRedirect(reverse("admin:access_token_changelist"))
