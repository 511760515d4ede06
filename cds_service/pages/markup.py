"""Renders HTML: templates that escape everything, and Markdown limited to harmless tags."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape
from starlette.responses import Response

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SWAGGER_POLICY = _POLICY.replace("img-src 'self'", "img-src 'self' data:")  # the icons in its stylesheet
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # demo pages show a patient's chart; the others are small
}


def policy_with_style(digest: str) -> str:
    """The Content-Security-Policy of a page with one style sheet of its own, by its SHA-256 in base64."""
    return _POLICY.replace("style-src 'self'", f"style-src 'sha256-{digest}'")


class Pages:
    """Renders pages. `shared` are variables for all templates."""

    def __init__(self, link_hosts: Iterable[str], **shared: Any) -> None:
        self._link_hosts = frozenset(link_hosts)
        self._markdown = new_parser(lambda url: _is_allowed(url, self._link_hosts))
        self._environment = Environment(
            loader=PackageLoader("cds_service.pages", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(shared)
        self._environment.filters["markdown"] = self.markdown
        self._environment.filters["is_link"] = lambda url: _is_allowed(url, self._link_hosts)

    def markdown(self, text: str) -> Markup:
        """Converts Markdown to HTML. Raw HTML and images stay text; links lead only to hosts of the content."""
        return Markup(self._markdown.render(text))

    def page(self, template: str, status: int = 200, *, policy: str = _POLICY, **data: Any) -> Response:
        """A whole page, with security headers. `policy` is its Content-Security-Policy."""
        html = self.render(template, **data)
        return Response(html, status, {"Content-Security-Policy": policy, **_HEADERS}, media_type="text/html")

    def render(self, template: str, **data: Any) -> str:
        """What a template makes of the data."""
        return self._environment.get_template(template).render(**data)

    def file(self, body: bytes, media_type: str, *, policy: str = _POLICY) -> Response:
        """A file that a page shows, with the same headers."""
        return Response(body, 200, {"Content-Security-Policy": policy, **_HEADERS}, media_type=media_type)


def new_parser(may_be_linked: Callable[[str], bool], *rules: str) -> MarkdownIt:
    """A parser of Markdown that lets no raw HTML through, and images only with the rule `image`."""
    unsafe = {"image", "html_block", "html_inline"} - set(rules)
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(sorted(unsafe))
    parser.validateLink = may_be_linked  # type: ignore[method-assign, assignment]
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    parser.add_render_rule("th_open", _open_header)
    parser.add_render_rule("th_close", _close_header)
    parser.add_render_rule("fence", _show_code)
    return parser


def _is_allowed(url: str, link_hosts: frozenset[str]) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and parts.hostname in link_hosts and not parts.username


def _open_table(
    _self: RendererHTML, _tokens: Sequence[Token], _index: int, _options: OptionsDict, _env: EnvType
) -> str:
    """Makes tables scroll on narrow screens, also by keyboard."""
    return '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table>\n'


def _open_header(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    """A header without words is none: a screen reader would announce it."""
    return '<th scope="col">' if tokens[index + 1].content else "<td>"


def _close_header(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return "</th>" if tokens[index - 1].content else "</td>"


def _show_code(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
    """Makes code scroll by keyboard too."""
    return f'<pre tabindex="0"><code>{escape(tokens[index].content)}</code></pre>\n'


def _close_table(
    _self: RendererHTML, _tokens: Sequence[Token], _index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return "</table></div>\n"


def link_hosts(urls: Iterable[str | None]) -> set[str]:
    """The hosts of some URLs."""
    return {host for url in urls if url and (host := urlsplit(url).hostname)}
