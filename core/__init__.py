"""What the product does. No Streamlit, no SQL: the floor below keeps, the floor above shows."""
