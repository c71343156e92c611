"""What the rounds of chaos compare with, held against texts and exports that are written down here."""
