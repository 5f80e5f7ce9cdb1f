"""In which language something was said: databases, runtimes and systems speak that of the machine that they run on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from agents.deadletters.fingerprint import libraries

ENGLISH = ""
# Little words, and what failures are told by most.
_WORDS = {
    "de": libraries.words(
        "der die das den dem des ein eine einer einem einen nicht kein keine keinen ist sind war wurde wurden und oder"
        " von vom auf im mit für bei zu zum zur konnte kann darf hat haben bereits existiert verletzt fehlt ungültig"
        " ungültiger ungültige doppelter zugriff verweigert verbindung datei wert spalte zeile fehler schlüssel"
    ),
    "fr": libraries.words(
        "le la les un une des du est sont été pas aucun aucune ne et ou dans pour par avec sur n'est déjà"
        " existe connexion refusée refusé valeur contrainte viole rompt colonne fichier erreur accès clé"
        " dupliquée impossible délai"
    ),
    "es": libraries.words(
        "el los las una unos del es son fue ha y o para por con en se ya existe conexión rechazada valor"
        " restricción viola llave duplicada columna archivo acceso denegado nulo relación tiempo agotado"
    ),
    "it": libraries.words(
        "il lo gli un una del della di è sono non stato stata e o per con nel nella già esiste connessione"
        " rifiutata valore vincolo viola chiave duplicato colonna accesso negato errore"
    ),
    "pt": libraries.words(
        "o os as um uma do da dos das é são foi não e ou para por com em no na já existe conexão recusada"
        " valor restrição viola chave duplicar coluna arquivo acesso negado nulo"
    ),
    "nl": libraries.words(
        "het een van niet geen is zijn werd en of voor met op te naar bestaat al verbinding geweigerd waarde kolom"
        " bestand toegang sleutel de"
    ),
    "pl": libraries.words(
        "nie jest jako dla przez oraz lub do na w z połączenie odrzucone odmowa dostępu wartość klucz"
        " kolumna plik istnieje już narusza ograniczenie błąd"
    ),
    ENGLISH: libraries.words(
        "the a an of to in on at by for from with and or is are was were be been has have not no cannot could this that"
        " it already exists violates failed denied refused found timed out"
    ),
}
# Of what a name is one, in databases.
_THINGS = {
    word: thing
    for thing, words in {
        "database": "database datenbank",
        "role": "role rolle rôle rol ruolo",
        "table": "table relation tabelle tabla tabella tabela relación relazione relação",
        "column": "column spalte colonne columna colonna coluna",
        "function": "function funktion fonction función funzione função",
    }.items()
    for word in words.split()
}
_SCRIPTS = (
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
)
_LETTERS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
# Names and values between quotes are of no language.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\u00bb[^\u00ab]*\u00ab|\u00ab[^\u00bb]*\u00bb|<\w+>")


def things(words: Iterable[str]) -> frozenset[str]:
    """What is spoken of, in any language."""
    return frozenset(_THINGS[each] for each in words if each in _THINGS)


@lru_cache(maxsize=2_048)
def of(text: str) -> str:
    """English, unless another one has more of its words in it."""
    bare = _QUOTED.sub(" ", text)
    written = next((name for name, letters in _SCRIPTS if letters.search(bare)), None)
    if written:
        return written
    words = [each.lower() for each in _LETTERS.findall(bare)]
    counted = {name: sum(each in known for each in words) for name, known in _WORDS.items()}
    most = max(counted.values())
    return ENGLISH if counted[ENGLISH] == most else max(counted, key=lambda name: counted[name])
