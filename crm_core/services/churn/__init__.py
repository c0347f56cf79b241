"""流失预警: a score of the risk to lose a customer, its proof on the team's own past, and the plans to win customers back."""
