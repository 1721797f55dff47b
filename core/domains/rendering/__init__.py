"""From our sample texts to the office files people really have; used by make_samples, never at run time."""
