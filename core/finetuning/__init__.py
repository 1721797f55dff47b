"""Fine-tuning: examples become lessons, lessons an adapter, and the adapter is promoted only if it wins."""
