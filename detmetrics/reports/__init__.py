"""Views of a result, which compute nothing; it imports analysis and training.

Text, JSON, CSV, Markdown, figures and the HTML report all read one table model.
"""
