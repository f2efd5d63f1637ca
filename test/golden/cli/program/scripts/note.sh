echo noted
