"""What a till's file means."""
