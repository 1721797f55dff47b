"""What people see. Every page asks, makes one core call, and shows what came back."""
