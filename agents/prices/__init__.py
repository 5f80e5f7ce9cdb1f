"""What models cost: a dated table that people edit, and what token use comes to by it."""
