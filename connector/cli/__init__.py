"""The command line: parse, call one function, print. No decision is made here."""
