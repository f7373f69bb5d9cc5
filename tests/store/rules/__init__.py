"""Rules, store and crashes in any order: what leaves is judged by arithmetic of its own."""
