"""Pure functions: rows in, Plotly figures out."""
