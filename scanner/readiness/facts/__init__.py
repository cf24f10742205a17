"""All observations in, typed facts about the whole repository out: what is there, without opinion."""
