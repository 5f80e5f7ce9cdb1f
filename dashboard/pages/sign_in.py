"""Signing in, out, and changing one's password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from core.access import oidc, refused, services
from core.access.credentials import CredentialRefusedError

BACKEND = "django.contrib.auth.backends.ModelBackend"
_NEXT = "postroom_next"


class SignIn(LoginView):
    """A name and a password, or the way to the provider."""

    template_name = "pages/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            provider=settings.POSTROOM.oidc_name if oidc.is_on() else "",
            # Why somebody who was in, or came back from the provider, stands here.
            notice=" ".join(str(message) for message in messages.get_messages(self.request)),
        )


sign_in = SignIn.as_view()
sign_out = LogoutView.as_view()


@never_cache
@require_safe
def oidc_start(request: HttpRequest) -> HttpResponseBase:
    """Off to the provider."""
    if not oidc.is_on():
        return redirect("sign-in")
    request.session[_NEXT] = request.GET.get("next", "")
    try:
        return oidc.start(request, request.build_absolute_uri(reverse("oidc-return")))
    except CredentialRefusedError as problem:
        return _not_vouched(request, problem)


@never_cache
@require_safe
def oidc_return(request: HttpRequest) -> HttpResponseBase:
    """Back from the provider."""
    if not oidc.is_on():
        return redirect("sign-in")
    try:
        user = oidc.finish(request)
    except CredentialRefusedError as problem:
        return _not_vouched(request, problem)
    to = _safe(request, request.session.pop(_NEXT, ""))
    login(request, user, backend=BACKEND)
    return redirect(to)


def _not_vouched(request: HttpRequest, problem: CredentialRefusedError) -> HttpResponse:
    refused.note(problem, request.META.get("REMOTE_ADDR", ""))
    messages.error(request, str(problem))
    return redirect("sign-in")


def _safe(request: HttpRequest, to: str) -> str:
    """Only an address of our own: a link must not lead through sign-in to somebody else's page."""
    fits = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
    return to if fits else reverse(settings.LOGIN_REDIRECT_URL)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponseBase:
    """Change one's own password. All sessions end, this one too: whoever has the old one is out."""
    if not request.user.is_authenticated:
        # A token may not change the password of the person behind it.
        return redirect("sign-in")
    user = request.user
    form = PasswordChangeForm(user, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "pages/change_password.html", {"form": form})
    services.change_password(user, form.cleaned_data["new_password1"], services.of_request(request))
    logout(request)
    return redirect("sign-in")
