"""The broker protocol and its implementations; depth, age, consumers; stuck and why; where is it."""
