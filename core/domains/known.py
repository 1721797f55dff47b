"""All domains of a workspace: the built-in four from files, the others from rows. Ask for a corpus's domain here."""

from functools import lru_cache

from core.domains import ORDER, Domain, all_domains, domain, written
from core.errors import BadInput, Conflict, NotFound
from storage.domains import Domains
from storage.errors import Exists
from storage.errors import NotFound as NoRow
from storage.rows import DomainRow


class KnownDomains:
    """Looks domains up by name, and keeps those that somebody added; safe to share between threads."""

    def __init__(self, rows: Domains) -> None:
        self._rows = rows

    def get(self, name: str) -> Domain:
        """The domain of that name, built-in or added; raises NotFound."""
        if name in ORDER:
            return domain(name)
        row = self._rows.by_name(name)
        if row is None:
            names = ", ".join(each.name for each in self.all())
            raise NotFound(f"There is no domain called {name!r}.", f"Choose one of: {names}.")
        return _read(row.toml)

    def all(self) -> list[Domain]:
        """The built-in domains in the order in which Home shows them, then the added ones by title."""
        return all_domains() + [_read(row.toml) for row in self._rows.list()]

    def rows(self) -> list[DomainRow]:
        """The rows of the added domains."""
        return self._rows.list()

    def add(self, made: Domain) -> Domain:
        """Add a domain.

        Raises:
            Conflict: there is a domain of that name; nothing was changed.
        """
        taken = Conflict(f"There is a domain called {made.name!r} already.", "Give it another name.")
        if made.name in ORDER:
            raise taken
        try:
            self._rows.add(made.name, made.title, written.write(made))
        except Exists as error:
            raise taken from error
        return made

    def change(self, name: str, made: Domain) -> None:
        """Change an added domain; documents that are indexed already stay cut as they are.

        Raises:
            BadInput: it is a built-in one, or the name differs. NotFound: it is gone.
        """
        _added(name)
        if made.name != name:
            raise BadInput("A domain keeps its name: corpora go by it.", "Change its title instead.")
        try:
            self._rows.update(name, made.title, written.write(made))
        except NoRow as error:
            raise NotFound("That domain was deleted.", "Import it again.") from error

    def free(self, title: str) -> str:
        """A name made of a title that no domain has."""
        return written.name_of(title, {*ORDER, *(row.name for row in self._rows.list())})

    def take_in(self, text: str, *, name: str = "", replace: bool = False) -> Domain:
        """Add the domain that a TOML file describes.

        Args:
            name: under which to add it; "" for the file's own.
            replace: the added domain of the file's name is to say what the file says.

        Raises:
            BadInput: the file cannot be used, or would replace a built-in domain. Conflict: the name is taken.
            NotFound: there is nothing to replace. In all cases nothing was changed.
        """
        found = written.read(text)
        if replace:
            self.change(found.name, found)
            return found
        return self.add(written.named(found, name) if name else found)

    def delete(self, name: str) -> None:
        """Delete an added domain.

        Raises:
            BadInput: it is a built-in one. Conflict: a corpus is of it. NotFound: it is gone already.
        """
        _added(name)
        try:
            self._rows.delete(name)
        except Exists as error:
            raise Conflict("There are corpora of this domain; it was kept.", "Delete those corpora first.") from error
        except NoRow as error:
            raise NotFound("That domain was deleted already.") from error


def _added(name: str) -> None:
    if name in ORDER:
        raise BadInput("The four built-in domains cannot be changed.", "Copy one on Home, and change the copy.")


@lru_cache(maxsize=256)
def _read(toml: str) -> Domain:
    return written.read(toml)
