"""What the templates leave open, in five languages: the things, rooms and wishes of a home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """One language's words.

    ``names`` are things by kind; the kind "" serves those that have no words of their own.
    ``free`` is text for lists that take any; the list "" serves the others.
    """

    names: Mapping[str, tuple[str, ...]]
    areas: tuple[str, ...]
    floors: tuple[str, ...]
    free: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fillers(self, kind: str) -> dict[str, tuple[str, ...]]:
        """List name -> texts, where what is named is of this kind."""
        names = self.names.get(kind) or self.names[""]
        return {"name": names, "area": self.areas, "floor": self.floors, **self.free}


ENGLISH = Vocabulary(
    names={
        "": ("coffee maker", "garden pump", "desk lamp", "air purifier"),
        "light": ("kitchen lamp", "ceiling light", "reading light", "christmas tree"),
        "cover": ("garage door", "left curtain", "kitchen blind", "patio awning"),
        "lock": ("front door", "back door", "garden gate"),
        "fan": ("ceiling fan", "bathroom fan", "tower fan"),
        "switch": ("coffee maker", "garden pump", "bedroom heater"),
        "media_player": ("tv", "kitchen speaker", "living room stereo"),
        "vacuum": ("robot vacuum", "upstairs vacuum"),
        "lawn_mower": ("lawn mower", "robot mower"),
        "climate": ("thermostat", "bedroom heating", "air conditioner"),
        "valve": ("main valve", "sprinkler valve", "radiator valve"),
        "todo": ("chores", "groceries", "holiday packing"),
        "person": ("dad", "grandma", "the babysitter"),
        "scene": ("movie night", "good morning", "party time"),
        "script": ("bedtime routine", "welcome home"),
        "weather": ("home forecast", "the seaside"),
        "sensor": ("greenhouse sensor", "hallway sensor", "washing machine"),
        "binary_sensor": ("cellar window", "smoke alarm", "phone"),
    },
    areas=("kitchen", "living room", "bedroom", "garage"),
    floors=("ground", "first", "upstairs"),
    free={
        "message": ("dinner is ready", "we leave in ten minutes", "somebody is at the door"),
        "search_query": ("jazz", "the evening news", "songs to cook by"),
        "zone": ("work", "school", "the gym"),
        "timer_name": ("pizza", "laundry", "tea"),
        "timer_command": ("open the garage door", "turn off the lights"),
        "shopping_list_item": ("milk", "two lemons", "washing powder"),
        "todo_list_item": ("water the plants", "call the plumber", "tax return"),
        "": ("this", "that"),
    },
)
GERMAN = Vocabulary(
    names={
        "": ("Kaffeemaschine", "Gartenpumpe", "Schreibtischlampe"),
        "light": ("Küchenlampe", "Deckenlicht", "Leselampe"),
        "cover": ("Garagentor", "Küchenrollo", "Markise"),
        "lock": ("Haustür", "Hintertür", "Gartentor"),
        "fan": ("Deckenventilator", "Badlüfter"),
        "media_player": ("Fernseher", "Küchenlautsprecher"),
        "vacuum": ("Saugroboter", "Staubsauger"),
        "lawn_mower": ("Rasenmäher", "Mähroboter"),
        "climate": ("Thermostat", "Klimaanlage"),
        "todo": ("Hausarbeit", "Einkäufe"),
        "person": ("Papa", "Oma"),
        "scene": ("Filmabend", "Guten Morgen"),
    },
    areas=("Küche", "Wohnzimmer", "Schlafzimmer", "Garage"),
    floors=("Erdgeschoss", "Keller", "Dachgeschoss"),
    free={
        "message": ("das Essen ist fertig", "wir fahren in zehn Minuten"),
        "search_query": ("Jazz", "die Abendnachrichten"),
        "timer_name": ("Pizza", "Wäsche"),
        "timer_command": ("öffne das Garagentor", "schalte das Licht aus"),
        "todo_list_item": ("Blumen gießen", "Steuererklärung"),
        "": ("Milch", "zwei Zitronen", "Waschpulver"),
    },
)
FRENCH = Vocabulary(
    names={
        "": ("cafetière", "pompe du jardin", "lampe de bureau"),
        "light": ("lampe de la cuisine", "plafonnier", "liseuse"),
        "cover": ("porte du garage", "volet de la cuisine", "store"),
        "lock": ("porte d'entrée", "portail"),
        "fan": ("ventilateur de plafond", "aérateur"),
        "media_player": ("télé", "enceinte de la cuisine"),
        "vacuum": ("aspirateur", "robot aspirateur"),
        "lawn_mower": ("tondeuse", "robot tondeuse"),
        "climate": ("thermostat", "climatisation"),
        "todo": ("ménage", "courses"),
        "person": ("papa", "mamie"),
        "scene": ("soirée cinéma", "bonne nuit"),
    },
    areas=("cuisine", "salon", "chambre", "garage"),
    floors=("rez-de-chaussée", "premier étage", "cave"),
    free={
        "message": ("le repas est prêt", "on part dans dix minutes"),
        "search_query": ("du jazz", "le journal du soir"),
        "timer_name": ("pizza", "lessive"),
        "timer_command": ("ouvre la porte du garage", "éteins la lumière"),
        "todo_list_item": ("arroser les plantes", "appeler le plombier"),
        "": ("du lait", "deux citrons", "de la lessive"),
    },
)
SPANISH = Vocabulary(
    names={
        "": ("cafetera", "bomba del jardín", "lámpara del escritorio"),
        "light": ("lámpara de la cocina", "luz del techo", "flexo"),
        "cover": ("puerta del garaje", "persiana de la cocina", "toldo"),
        "lock": ("puerta principal", "cancela"),
        "fan": ("ventilador de techo", "extractor"),
        "media_player": ("tele", "altavoz de la cocina"),
        "vacuum": ("aspiradora", "robot aspirador"),
        "lawn_mower": ("cortacésped", "robot cortacésped"),
        "climate": ("termostato", "aire acondicionado"),
        "todo": ("tareas", "compra"),
        "person": ("papá", "abuela"),
        "scene": ("noche de cine", "buenos días"),
    },
    areas=("cocina", "salón", "dormitorio", "garaje"),
    floors=("planta baja", "primera planta", "sótano"),
    free={
        "message": ("la cena está lista", "salimos en diez minutos"),
        "search_query": ("jazz", "las noticias de la noche"),
        "timer_name": ("pizza", "colada"),
        "timer_command": ("abre la puerta del garaje", "apaga la luz"),
        "todo_list_item": ("regar las plantas", "llamar al fontanero"),
        "": ("leche", "dos limones", "detergente"),
    },
)
DUTCH = Vocabulary(
    names={
        "": ("koffiezetter", "tuinpomp", "bureaulamp"),
        "light": ("keukenlamp", "plafondlamp", "leeslamp"),
        "cover": ("garagedeur", "keukenrolgordijn", "zonnescherm"),
        "lock": ("voordeur", "achterdeur", "tuinpoort"),
        "fan": ("plafondventilator", "afzuiger"),
        "media_player": ("televisie", "keukenspeaker"),
        "vacuum": ("stofzuiger", "robotstofzuiger"),
        "lawn_mower": ("grasmaaier", "robotmaaier"),
        "climate": ("thermostaat", "airco"),
        "todo": ("klusjes", "boodschappen"),
        "person": ("papa", "oma"),
        "scene": ("filmavond", "goedemorgen"),
    },
    areas=("keuken", "woonkamer", "slaapkamer", "garage"),
    floors=("begane grond", "eerste verdieping", "kelder"),
    free={
        "message": ("het eten is klaar", "we vertrekken over tien minuten"),
        "search_query": ("jazz", "het avondjournaal"),
        "timer_name": ("pizza", "was"),
        "timer_command": ("open de garagedeur", "doe het licht uit"),
        "todo_list_item": ("planten water geven", "loodgieter bellen"),
        "": ("melk", "twee citroenen", "waspoeder"),
    },
)

LANGUAGES: dict[str, Vocabulary] = {
    "en": ENGLISH,
    "de": GERMAN,
    "es": SPANISH,
    "fr": FRENCH,
    "nl": DUTCH,
}
"""The languages whose templates are expanded."""
