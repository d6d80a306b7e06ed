"""Pictures of what is declared: tables with their foreign keys, and who may do what.

Each picture is a drawing that is written as SVG, and the same as Markdown or as plain text. Nothing
here connects to a database.
"""
