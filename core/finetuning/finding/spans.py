"""Dates, amounts and names in English prose."""

import re

MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DATE = rf"(?:\d{{1,2}} {MONTH}(?: \d{{4}})?|{MONTH} \d{{1,2}}(?:, \d{{4}})?\b(?!\d)|{MONTH} \d{{4}}|\d{{4}}-\d\d-\d\d)"
COUNT = (
    "(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|eighteen|"
    r"twenty(?:-\w+)?|twenty-four|thirty|forty|forty-five|forty-eight|fifty|sixty|seventy-two|ninety|\d[\d,]*(?:\.\d+)?)"
)
UNIT = (
    "(?:(?:working |business |calendar )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)|mg|mcg|ml|mL|kg|g|cm|"
    "mm|km|miles?|metres?|square metres|litres?|pounds|euros?|dollars|watts?|volts?|W|V|°C|dB|kPa|bar|Wh|mAh|times|"
    "doses?|tablets?|capsules?)"
)
MONEY = r"(?:[$€£]|(?:GBP|USD|EUR|CHF) )\d[\d,]*(?:\.\d+)?(?: (?:thousand|million|billion))?"
PER_CENT = rf"{COUNT} ?(?:%|per cent|percent)"
AMOUNT = rf"(?:{MONEY}|{PER_CENT}|{COUNT}(?: to {COUNT})? {UNIT})(?!\w)(?: (?:a|per) [a-z]+)?"
NAME = r"[A-Z][a-z][\w'’-]*(?: [A-Z][a-z][\w'’-]*){1,3}"

KINDS = {
    "date": re.compile(rf"(?<![\w.,])(?:{DATE})(?!\w)"),
    "amount": re.compile(rf"(?<![\w.,$€£-])(?:{AMOUNT})(?!\w)"),
    "name": re.compile(rf"(?<=[a-z,] )(?:{NAME})(?![\w-])"),
}
