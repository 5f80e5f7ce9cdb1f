"""People, groups and service accounts, each with what it may do, where and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.access import effective, grants
from core.access.admin_kit import RoomAdmin, RowForm, drawn
from core.access.api import Kind, Permission, Subject
from core.access.models import GrantRow, ServiceAccount, User
from core.access.services import accounts, groups, of_request

RIGHTS = "admin/access/rights.html"
GRANTS = "admin/access/grants.html"


class PersonForm(RowForm):
    """A person. The password is set here only when somebody new is added."""

    password_now = forms.CharField(
        label="Password",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="For a new person: the first password. Later: a new one, which ends all of the person's sessions. "
        "Empty: as it is; somebody new then comes by single sign-on only.",
    )

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "is_active", "groups", "oidc_subject")

    def clean_oidc_subject(self) -> str | None:
        return self.cleaned_data["oidc_subject"] or None

    def clean_password_now(self) -> str:
        password: str = self.cleaned_data["password_now"]
        if password:
            validate_password(password, self.instance)
        return password


@admin.register(User)
class PersonAdmin(RoomAdmin):
    """Who signs in."""

    opens = Permission.MANAGE_ACCESS
    audited_as = "username"
    form = PersonForm
    list_display = ("username", "full_name", "email", "is_active", "roles", "last_login")
    list_filter = ("is_active", "grants__role", "groups")
    search_fields = ("username", "first_name", "last_name", "email")
    filter_horizontal = ("groups",)
    readonly_fields = ("grants_held", "what_can_this_person_do", "last_login", "date_joined")
    fieldsets: ClassVar = (
        (None, {"fields": ("username", "first_name", "last_name", "email", "is_active", "password_now")}),
        ("Single sign-on", {"fields": ("oidc_subject",), "classes": ("collapse",)}),
        ("Rights", {"fields": ("groups", "grants_held", "what_can_this_person_do")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("grants__role", "groups__grants__role")

    @admin.display(description="name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        own = [grants.value(row) for row in user.grants.all()]
        by_group = [grants.value(row) for group in user.groups.all() for row in group.grants.all()]
        return _in_short([*own, *by_group])

    @admin.display(description="grants")
    def grants_held(self, user: User) -> SafeString:
        return _grants("user", user)

    @admin.display(description="What can this person do?")
    def what_can_this_person_do(self, user: User) -> SafeString:
        return drawn(RIGHTS, rights=effective.rights(grants.subject_of(user)), name=user.username)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        actor, password = of_request(request), form.cleaned_data["password_now"]
        fields = {name: form.cleaned_data[name] for name in PersonForm.Meta.fields if name != "groups"}
        if not change:
            obj.pk = accounts.create_person(fields.pop("username"), password or None, actor, **fields).pk
            obj.refresh_from_db()
            return
        accounts.change_account(obj, actor, **fields)
        if password:
            accounts.change_password(User.objects.get(pk=obj.pk), password, actor)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        person = User.objects.get(pk=form.instance.pk)
        accounts.set_groups(person, form.cleaned_data["groups"], of_request(request))

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        accounts.delete_account(obj, of_request(request))


class ServiceAccountForm(RowForm):
    """A machine."""

    class Meta:
        model = ServiceAccount
        fields = ("name", "description", "active", "jwt_subject")

    def clean_jwt_subject(self) -> str | None:
        return self.cleaned_data["jwt_subject"] or None


@admin.register(ServiceAccount)
class ServiceAccountAdmin(RoomAdmin):
    """Machines: agents, exporters, scripts."""

    opens = Permission.MANAGE_ACCESS
    audited_as = "name"
    form = ServiceAccountForm
    list_display = ("name", "description", "active", "roles", "live_tokens")
    list_filter = ("active", "grants__role")
    search_fields = ("name", "description", "jwt_subject")
    readonly_fields = ("grants_held", "tokens_held", "what_can_it_do")
    fieldsets: ClassVar = (
        (None, {"fields": ("name", "description", "active", "jwt_subject")}),
        ("Rights", {"fields": ("grants_held", "tokens_held", "what_can_it_do")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("grants__role", "tokens")

    @admin.display(description="roles")
    def roles(self, account: ServiceAccount) -> str:
        return _in_short([grants.value(row) for row in account.grants.all()])

    @admin.display(description="live tokens")
    def live_tokens(self, account: ServiceAccount) -> int:
        return sum(token.state == "live" for token in account.tokens.all())

    @admin.display(description="grants")
    def grants_held(self, account: ServiceAccount) -> SafeString:
        return _grants("service_account", account)

    @admin.display(description="tokens")
    def tokens_held(self, account: ServiceAccount) -> SafeString:
        return drawn("admin/access/tokens.html", tokens=account.tokens.all(), account=account)

    @admin.display(description="What can it do?")
    def what_can_it_do(self, account: ServiceAccount) -> SafeString:
        return drawn(RIGHTS, rights=effective.rights(grants.subject_of(account)), name=account.name)

    def save_model(self, request: HttpRequest, obj: ServiceAccount, form: Any, change: bool) -> None:
        fields = dict(form.cleaned_data)
        if change:
            accounts.change_account(obj, of_request(request), **fields)
        else:
            obj.pk = accounts.create_service_account(fields.pop("name"), of_request(request), **fields).pk
            obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: ServiceAccount) -> None:
        accounts.delete_account(obj, of_request(request))


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(RoomAdmin):
    """People who are given roles together."""

    opens = Permission.MANAGE_ACCESS
    audited_as = "name"
    list_display = ("name", "people", "roles")
    search_fields = ("name",)
    fields = ("name", "members", "grants_held", "what_can_its_members_do")
    readonly_fields = ("members", "grants_held", "what_can_its_members_do")

    @admin.display(description="people")
    def people(self, group: Group) -> int:
        return group.user_set.count()

    @admin.display(description="roles")
    def roles(self, group: Group) -> str:
        return _in_short([grants.value(row) for row in _rows(group=group)])

    @admin.display(description="members")
    def members(self, group: Group) -> str:
        return ", ".join(group.user_set.values_list("username", flat=True)) or "nobody yet"

    @admin.display(description="grants")
    def grants_held(self, group: Group) -> SafeString:
        return _grants("group", group)

    @admin.display(description="What can its members do?")
    def what_can_its_members_do(self, group: Group) -> SafeString:
        held = tuple(grants.value(row) for row in _rows(group=group))
        return drawn(
            RIGHTS, rights=effective.rights(Subject(Kind.PERSON, "", group.name, held)), name=group.name
        )

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        groups.save_group(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        groups.delete_group(obj, of_request(request))


def _rows(**holder: Any) -> Any:
    return GrantRow.objects.filter(**holder).select_related("role", "group")


def _grants(field: str, holder: Any) -> SafeString:
    return drawn(GRANTS, grants=_rows(**{field: holder}), field=field, holder=holder)


def _in_short(held: list[Any]) -> str:
    return "; ".join(sorted({f"{grant.role} ({grant.scope})" for grant in held})) or "none"
