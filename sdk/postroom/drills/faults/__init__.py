"""What can hold messages up, provoked for real, and what whoever looks for it must name.

Written apart from what decides verdicts, and before it. A fault tells agents what to do wrong (`orders`), or does it to
them from outside (`outside`); `plan` draws which one is next.
"""
