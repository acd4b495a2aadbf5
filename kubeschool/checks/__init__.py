"""Checkpoints, quizzes and what a learner has reached so far. `cluster.check("4.1")`, `kubeschool.quiz("04-pods")`."""
