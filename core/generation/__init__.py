"""Prompts (pure) and the engines that continue them, each a LangChain chat model."""
