"""Python imports this by itself when it starts and finds it: every child of the tests begins here."""

import blocking

blocking.block()
