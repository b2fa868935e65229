"""How complete a report is by published lists of elements: what is present, what is verified."""
