print('PYTHON', 'RAN')
