"""What every service stands on: settings, entry points, authentication, problems, health, pages."""
