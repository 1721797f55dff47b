"""Plain questions that have nothing to do with any corpus: what a model should not forget while it learns one.

Their loss is looked at during training; nothing is ever trained on them.
"""

GENERAL = (
    ("What is the capital of France?", "The capital of France is Paris."),
    ("How many days are there in a week?", "There are seven days in a week."),
    ("What do plants need to grow?", "Plants need light, water, air and nutrients to grow."),
    ("Who wrote Romeo and Juliet?", "Romeo and Juliet was written by William Shakespeare."),
    ("What is two plus three?", "Two plus three is five."),
    ("What is the largest planet of the solar system?", "Jupiter is the largest planet of the solar system."),
    ("At what temperature does water freeze?", "Water freezes at 0 degrees Celsius, or 32 degrees Fahrenheit."),
    ("What is the opposite of hot?", "The opposite of hot is cold."),
    ("Name three primary colours.", "Three primary colours are red, yellow and blue."),
    ("What language is spoken in Brazil?", "Portuguese is spoken in Brazil."),
    ("What do bees make?", "Bees make honey."),
    ("How many legs does a spider have?", "A spider has eight legs."),
)
