"""`cds-service site`: what the site file says, and what is in force."""

from cds_service.auth.clients import client_names, load_clients
from cds_service.cli.terminal import console
from cds_service.guidance.model import Content
from cds_service.hooks.discovery import HOOKS
from cds_service.settings import Settings, read_settings
from cds_service.site.describing import describe_site
from cds_service.site.opening import Site, open_site, read_content
from cds_service.site.reading import signatures_file


def site() -> None:
    """Print what is in force at this site: each card with its mode and by which row, codes and intervals."""
    settings = read_settings()
    content, void = read_content(settings.cards, settings.fixtures, settings.site)
    file = signatures_file(settings.site, settings.cards)
    for line in describe_site(site_of(settings, content), file, void):
        console.print(line, markup=False, highlight=False)


def signed_content(settings: Settings) -> Content:
    """The content of the settings, as signed as its signatures say. Raises `ContentError`."""
    return read_content(settings.cards, settings.fixtures, settings.site)[0]


def site_of(settings: Settings, content: Content) -> Site:
    """The site of the settings. Raises `ContentError` with every mistake in its file."""
    clients = load_clients(settings.clients) if settings.clients else None
    site = open_site(settings.site, content, HOOKS, client_names(clients), is_demo=settings.demo)
    return site.with_services(verifying=settings.medication_verify)
