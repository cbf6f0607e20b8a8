"""What happened, question by question, kept in a database."""
